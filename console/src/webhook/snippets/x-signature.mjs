import { createHmac, timingSafeEqual } from "node:crypto";

const key = process.env.WEBHOOK_KEY;

// Whether the header X-Signature matches the body.
// body: the raw body, as Buffer or text. Express: app.post("/hook", express.raw({ type: "*/*" }), …) provides it as request.body
export function isGenuine(body, xSignature) {
    const expected = Buffer.from(createHmac("sha256", key).update(body).digest("hex"));
    const given = Buffer.from(String(xSignature));
    return expected.length === given.length && timingSafeEqual(expected, given);
}
