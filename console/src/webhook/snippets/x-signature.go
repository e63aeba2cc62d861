package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
)

// Receive returns the body of a genuine notification, and an error for any other.
func Receive(request *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, request.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(os.Getenv("WEBHOOK_KEY")))
	mac.Write(body)
	expected := hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(expected), []byte(request.Header.Get("X-Signature"))) {
		return nil, errors.New("the X-Signature does not fit")
	}
	return body, nil
}
