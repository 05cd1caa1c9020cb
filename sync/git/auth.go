package git

import "strings"

// trimmed is a value without the line end that editors and --from-file add.
func trimmed(auth map[string][]byte, key string) string {
	return strings.TrimRight(string(auth[key]), "\r\n")
}

// trimmedAuth trims the values that are a single line by nature.
func trimmedAuth(auth map[string][]byte) map[string][]byte {
	out := make(map[string][]byte, len(auth))
	for key, value := range auth {
		switch key {
		case "username", "password", "bearerToken":
			out[key] = []byte(trimmed(auth, key))
		default:
			out[key] = value
		}
	}
	return out
}
