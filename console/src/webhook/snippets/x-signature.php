<?php

/** Whether the header X-Signature matches the raw body. */
function is_genuine(string $body, string $xSignature): bool
{
    $expected = hash_hmac('sha256', $body, getenv('WEBHOOK_KEY'));
    return hash_equals($expected, $xSignature);
}

// $genuine = is_genuine(file_get_contents('php://input'), $_SERVER['HTTP_X_SIGNATURE'] ?? '');
