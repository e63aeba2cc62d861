/* Access to pages. Not signed in: the sign-in page. Signed in: the menu, and in the section first the second factor.
 * Verified: the screens. */
import { Redirect, Route, Switch } from 'wouter';
import { ConnectionProvider } from './ui/connection';
import { Retry } from './ui/notice';
import { Loading } from './ui/states';
import { Shell } from './shell';
import { SecondFactor } from './signin/second-factor';
import { useSession } from './signin/session';
import { SignInPage } from './signin/sign-in';
import { WebhookPage } from './webhook/page';
import { WebhookListPage } from './webhooks/list-page';

export function App() {
    const { session, problem, accept, reload } = useSession();
    if (session === null)
        return (
            <main className="sign-in">
                {problem === null ? <Loading what="Loading" /> : <Retry problem={problem} onRetry={() => void reload()} />}
            </main>
        );
    if (!session.signed_in) return <SignInPage onSession={accept} />;
    return (
        <Shell>
            <Route path="/">
                <Redirect to="/settings/webhooks" replace />
            </Route>
            {session.verified ? (
                <ConnectionProvider>
                    <Screens />
                </ConnectionProvider>
            ) : (
                <div className="gate">
                    <h1>Webhooks</h1>
                    <div className="card">
                        <SecondFactor session={session} onSession={accept} />
                    </div>
                </div>
            )}
        </Shell>
    );
}

function Screens() {
    return (
        <Switch>
            <Route path="/settings/webhooks" component={WebhookListPage} />
            <Route path="/settings/webhooks/:id">{({ id }) => <WebhookPage key={id} id={id} tab="deliveries" />}</Route>
            <Route path="/settings/webhooks/:id/verification">
                {({ id }) => <WebhookPage key={id} id={id} tab="verification" />}
            </Route>
            <Route>
                <div className="state">
                    <h1>There is no such page</h1>
                </div>
            </Route>
        </Switch>
    );
}
