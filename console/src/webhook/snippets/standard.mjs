import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

// Returns the notification; throws if it is not genuine.
// body: the raw body, as text or Buffer. Express: app.post("/hook", express.raw({ type: "*/*" }), …) provides it as request.body
export function receive(body, headers) {
    return webhook.verify(body.toString(), headers);
}
