/* The responses of posthorn-api, as far as the console reads them: the merchant dialect of api/openapi.yaml and the
 * console's own resources. Times are RFC 3339 in UTC; null means "never" or "not known". */

export interface Account {
    key: string;
    name: string | null;
    dialect: string;
}

export interface SignedIn {
    signed_in: true;
    email: string;
    account: Account;
    second_factor: 'none' | 'enrolled';
    /** whether the second factor was given in this session */
    verified: boolean;
    recovery_codes_left: number | null;
    csrf: string;
}

export type Session = { signed_in: false } | SignedIn;

export interface Enrolment {
    secret: string;
    uri: string;
}

export interface Confirmation {
    recovery_codes: string[];
    session: SignedIn;
}

export const PENDING_MAX = 1000;

export interface Health {
    state: 'ok' | 'failing' | 'idle' | 'disabled';
    last_success_at: string | null;
    last_failure_at: string | null;
    last_error: string | null;
    failing_since: string | null;
    next_attempt_at: string | null;
    /** PENDING_MAX means: that many or more */
    pending: number;
    failures_24h: number;
    successes_24h: number;
}

export interface Authentication {
    type: 'none' | 'basic' | 'bearer';
    username?: string;
    password?: string;
}

export interface Signature {
    type: 'none' | 'source_key' | 'signature_key' | 'standard';
    source_key?: string;
}

export interface Webhook {
    id: string;
    label: string;
    url: string;
    events: string[];
    authentication: Authentication;
    signature: Signature;
    status: 'enabled' | 'disabled';
    disabled_reason: string | null;
    created_at: string;
    updated_at: string;
    health?: Health;
}

export interface WebhookPage {
    webhooks: Webhook[];
    next_cursor: string | null;
}

export interface EventType {
    name: string;
    description: string;
}

export interface SignatureOptions {
    source_keys: { name: string }[];
    signature_key: boolean;
}

export type DeliveryState = 'pending' | 'delivered' | 'failed' | 'cancelled';

export interface Delivery {
    event_id: string;
    event_type: string;
    /** sent by "Send test event" */
    test?: boolean;
    state: DeliveryState;
    attempts: number;
    first_attempt_at: string | null;
    last_attempt_at: string | null;
    delivered_at: string | null;
    next_attempt_at: string | null;
    last_http_status: number | null;
    last_error: string | null;
}

export interface DeliveryPage {
    deliveries: Delivery[];
    next_cursor: string | null;
}

export interface Attempt {
    attempt: number;
    cause: 'event' | 'replay' | 'redeliver' | 'test';
    started_at: string;
    duration_ms: number;
    outcome: 'delivered' | 'retry' | 'gave_up';
    http_status: number | null;
    error: string | null;
    response_body: string | null;
}

/** One delivery: here, `attempts` is the list of attempts, not their number. */
export interface DeliveryDetail extends Omit<Delivery, 'attempts'> {
    request: {
        method: string;
        url: string;
        headers: Record<string, string>;
        /** null if it is no longer stored */
        body: string | null;
        body_dropped: boolean;
        /** in bytes; and whether only its beginning is contained */
        body_size?: number;
        body_cut?: boolean;
    };
    attempts: Attempt[];
}

export interface Bucket {
    at: string;
    delivered: number;
    failed: number;
    p50_ms: number | null;
    p95_ms: number | null;
    max_ms: number | null;
}

export interface Statistics {
    from: string;
    to: string;
    bucket_seconds: number;
    buckets: Bucket[];
}

export interface ReplayAnswer {
    looked_at: number;
    queued: number;
    waiting_already: number;
    payload_dropped: number;
    next_cursor: string | null;
}

export interface Secret {
    secret: string;
    format: 'whsec' | 'hex';
}
