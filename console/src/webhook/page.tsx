export function WebhookPage({ id }: { id: string }) { return <p>{id}</p>; }
