import os

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])


def receive(body: bytes, headers: dict):
    """The notification; raises WebhookVerificationError when it is not genuine.

    body: the raw body. Flask: request.get_data(); Django: request.body; FastAPI: await request.body()
    """
    return webhook.verify(body, {name.lower(): value for name, value in headers.items()})
