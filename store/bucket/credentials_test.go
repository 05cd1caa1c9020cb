package bucket_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kayci/kayci/store/bucket"
)

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestCredentialsOfTheProcess: they come from the environment or else from who the pod
// is, and their lack is told.
func TestCredentialsOfTheProcess(t *testing.T) {
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/known" {
			http.Error(w, "nobody", http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `{"Code": "Success", "AccessKeyId": "pods-key", "SecretAccessKey": "`+secret+`", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}`)
	}))
	t.Cleanup(identity.Close)
	for _, tt := range []struct {
		name, key, path, who, want string
	}{
		{name: "the environment", key: "env-key", path: "/known", who: "Credential=env-key/"},
		{name: "the pod", path: "/known", who: "Credential=pods-key/"},
		{name: "nobody", path: "/unknown", want: "there are no credentials: none in the options or the environment, and the pod's or machine's identity gave none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", tt.key)
			t.Setenv("AWS_SECRET_ACCESS_KEY", strings.Repeat(secret, min(len(tt.key), 1)))
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", identity.URL+tt.path)
			var who string
			store := fakeS3(t)
			b := s3(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				who = r.Header.Get("Authorization")
				store.ServeHTTP(w, r)
			}), func(o *bucket.S3Options) { o.AccessKey, o.SecretKey = "", "" })
			err := b.Put(t.Context(), "a", nil)
			if !strings.Contains(said(err), tt.want) || (err == nil) != (tt.want == "") || strings.Contains(said(err), secret) {
				t.Errorf("it says %v", err)
			}
			if !strings.Contains(who, tt.who) {
				t.Errorf("who asks: %q", who)
			}
		})
	}
}
