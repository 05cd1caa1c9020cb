// Package names derives names of objects from what the objects are for, so that
// whoever makes one twice meets the first. What is derived is the same in every
// process of a version. It is pure.
package names

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
)

// MaxLabel is what a DNS label, and a label's value, may have of characters.
const MaxLabel = 63

const (
	// ending is how long a hash at the end of a name is: 50 bits. Among a million
	// names with the same beginning, two are the same with a chance of one in two
	// thousand. Whoever finds a name taken looks whose it is.
	ending = 10
	// whole is how long a hash without a name is: 160 bits, so that not even who
	// looks for two texts with the same one finds them.
	whole = 32
)

// Hashed returns a name, a dash, and ten characters that differ with the name and
// with everything else that the object is for. Of a name that would become longer
// than most, only the beginning is kept: within MaxLabel, one of up to 52
// characters is whole. What is a DNS label stays one.
func Hashed(name string, most int, of ...string) string {
	beginning := strings.TrimRight(name[:min(len(name), most-1-ending)], "-.")
	return beginning + "-" + digest(append([]string{name}, of...))[:ending]
}

// Joined returns two names with a dash between them, and where that is longer than
// most its beginning and a hash of both.
func Joined(first, second string, most int) string {
	name := first + "-" + second
	if len(name) <= most {
		return name
	}
	return Hashed(name, most, first, second)
}

// Hash returns 32 characters that differ with the texts, and with which of them is
// which. It is for what strangers may choose, and fits a label's value.
func Hash(of ...string) string { return digest(of)[:whole] }

// digest has lower-case letters up to v and digits: what a DNS label may hold.
func digest(of []string) string {
	hash := sha256.New()
	for _, text := range of {
		hash.Write(append(strconv.AppendInt(nil, int64(len(text)), 10), ':'))
		hash.Write([]byte(text))
	}
	return strings.ToLower(base32.HexEncoding.EncodeToString(hash.Sum(nil)))
}
