package hook

import (
	"io"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Receive returns the body of a genuine notification, and an error for any other.
func Receive(request *http.Request) ([]byte, error) {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, request.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	return body, webhook.Verify(body, request.Header)
}
