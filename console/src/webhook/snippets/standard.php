<?php

require_once 'vendor/autoload.php';

/** Returns the notification as an array; throws if it is not genuine. */
function receive(string $body, array $server): array
{
    $webhook = new \StandardWebhooks\Webhook(getenv('WEBHOOK_SECRET'));
    return $webhook->verify($body, [
        'webhook-id' => $server['HTTP_WEBHOOK_ID'] ?? '',
        'webhook-timestamp' => $server['HTTP_WEBHOOK_TIMESTAMP'] ?? '',
        'webhook-signature' => $server['HTTP_WEBHOOK_SIGNATURE'] ?? '',
    ]);
}

// $notification = receive(file_get_contents('php://input'), $_SERVER);
