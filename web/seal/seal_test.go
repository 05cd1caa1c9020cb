package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kayci/kayci/web/seal"
)

func box(t *testing.T, keys ...string) *seal.Box {
	t.Helper()
	bytes := make([][]byte, len(keys))
	for n, key := range keys {
		bytes[n] = []byte(strings.Repeat(key, seal.MinKey))
	}
	b, err := seal.New(bytes...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeysAreReplaced(t *testing.T) {
	t.Parallel()
	first, both, second := box(t, "a"), box(t, "b", "a"), box(t, "b")
	const plain = "a canary"
	for name, tt := range map[string]struct {
		from, to *seal.Box
		known    bool
	}{
		"same key":            {first, first, true},
		"old key, still held": {first, both, true},
		"new key":             {both, second, true},
		"old key, taken out":  {first, second, false},
		"new key, not known":  {both, first, false},
	} {
		sealed := tt.from.Seal("session", []byte(plain))
		if strings.Contains(sealed, "canary") {
			t.Errorf("%s: it can be read: %s", name, sealed)
		}
		got, err := tt.to.Open("session", sealed)
		if tt.known && (err != nil || string(got) != plain) || !tt.known && !errors.Is(err, seal.ErrUnknown) {
			t.Errorf("%s: opened %q, %v", name, got, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	b := box(t, "a")
	sealed := b.Seal("session", []byte("text"))
	if b.Seal("session", []byte("text")) == sealed {
		t.Error("the same text is sealed twice alike")
	}
	for name, text := range map[string]string{
		"blank": "", "no base64": "!", "short": "AAAA", "cut": sealed[:len(sealed)-2], "changed": "A" + sealed[1:] + "AAAA",
	} {
		if got, err := b.Open("session", text); !errors.Is(err, seal.ErrUnknown) {
			t.Errorf("%s: opened %q, %v", name, got, err)
		}
	}
	if got, err := b.Open("another purpose", sealed); !errors.Is(err, seal.ErrUnknown) {
		t.Errorf("another purpose: opened %q, %v", got, err)
	}
}

func TestKeysHaveALength(t *testing.T) {
	t.Parallel()
	if _, err := seal.New(); err == nil {
		t.Error("no key is taken")
	}
	if _, err := seal.New([]byte(strings.Repeat("a", seal.MinKey)), []byte("short")); err == nil || !strings.Contains(err.Error(), "key 2 has 5 bytes, and needs 32") {
		t.Errorf("a short key: %v", err)
	}
}
