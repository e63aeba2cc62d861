import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import java.util.List;
import java.util.Map;

class Hook {
    /** Returns if the notification is genuine, and throws otherwise. body: the raw body as UTF-8 text; headers: their names in lower case. */
    static void verify(String body, Map<String, List<String>> headers) throws WebhookVerificationException {
        new Webhook(System.getenv("WEBHOOK_SECRET")).verify(body, headers);
    }
}
