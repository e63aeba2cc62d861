import hashlib
import hmac
import os

key = os.environ["WEBHOOK_KEY"].encode()


def is_genuine(body: bytes, x_signature: str) -> bool:
    """Whether the header X-Signature matches the body.

    body: the raw body. Flask: request.get_data(); Django: request.body; FastAPI: await request.body()
    """
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), x_signature.encode())
