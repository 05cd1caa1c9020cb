// Package seal encrypts what browsers keep for the page: nobody but the page can read
// or make it.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// MinKey is how many bytes a key has at least.
const MinKey = 32

// ErrUnknown says that a text was not sealed with any of the keys, or for another
// purpose.
var ErrUnknown = errors.New("it was not sealed here")

// Box seals with its first key, and opens with any: an old key counts until it is
// taken out.
type Box struct {
	keys []cipher.AEAD
}

// New returns a box with the keys, the newest first.
func New(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no key")
	}
	box := &Box{}
	for n, key := range keys {
		if len(key) < MinKey {
			return nil, fmt.Errorf("key %d has %d bytes, and needs %d", n+1, len(key), MinKey)
		}
		derived, err := hkdf.Key(sha256.New, key, nil, "kayci web", 32)
		if err != nil {
			return nil, fmt.Errorf("derive from key %d: %w", n+1, err)
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, fmt.Errorf("use key %d: %w", n+1, err)
		}
		sealer, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("use key %d: %w", n+1, err)
		}
		box.keys = append(box.keys, sealer)
	}
	return box, nil
}

// Seal returns the text for a cookie. What is sealed for one purpose can't be opened
// for another.
func (b *Box) Seal(purpose string, plain []byte) string {
	sealed := b.keys[0].Seal(nil, nil, plain, []byte(purpose)) //nolint:gosec // It makes up its own nonce.
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns what was sealed for the purpose.
func (b *Box) Open(purpose, sealed string) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrUnknown
	}
	for _, key := range b.keys {
		if plain, err := key.Open(nil, nil, data, []byte(purpose)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrUnknown
}
