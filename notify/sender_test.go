package notify

import (
	"fmt"
	"strings"
	"testing"
)

func TestNewSenderRefuses(t *testing.T) {
	const people = "?from=a@example.com&to=b@example.com"
	tests := map[string]struct {
		address string
		format  Format
		want    string
	}{
		"blank":             {"", "", "the address is no URL with a host: it begins with https://, http://, smtps:// or smtp://"},
		"no scheme":         {"hooks.slack.com/" + canary, "", "the address is no URL with a host: it begins with https://, http://, smtps:// or smtp://"},
		"no host":           {"https:///" + canary, "", "the address is no URL with a host: it begins with https://, http://, smtps:// or smtp://"},
		"not a URL":         {"https://" + canary + "\x00", "", "the address is no URL"},
		"another scheme":    {canary + "://" + canary, "", "the address begins with something else than https://, http://, smtps:// or smtp://"},
		"unknown format":    {"https://example.com", canary, "the format is not one of json and slack"},
		"format of a mail":  {"smtps://example.com" + people, FormatSlack, "a format is for http and https addresses: an e-mail has its own"},
		"mail with a path":  {"smtps://example.com/" + canary + people, "", "an e-mail address is smtps://user:password@host:port?from=…&to=…, without a path"},
		"port 0":            {"smtps://example.com:0" + people, "", "the address's port is not a number from 1 to 65535"},
		"port too large":    {"smtps://example.com:65536" + people, "", "the address's port is not a number from 1 to 65535"},
		"unreadable query":  {"smtps://example.com?from=%" + canary, "", "the address's query, from=…&to=…, can't be read"},
		"unknown key":       {"smtps://example.com" + people + "&" + canary, "", "the address's query holds something else than from, to and tls"},
		"no sender":         {"smtps://example.com?to=" + canary + "@example.com", "", "the address's from=… is no e-mail address"},
		"no receiver":       {"smtps://example.com?from=" + canary + "@example.com", "", "the address has 0 recipients in to=…: 1 to 50 can be had"},
		"too many":          {"smtps://example.com" + people + strings.Repeat(",b@example.com", 50), "", "the address has 51 recipients in to=…: 1 to 50 can be had"},
		"odd receiver":      {"smtps://example.com" + people + "&to=" + canary, "", "the address's to=… is no e-mail address (in a query, + is written %2B)"},
		"injected receiver": {"smtps://example.com" + people + "&to=b@example.com%0d%0aDATA", "", "the address's to=… is no e-mail address (in a query, + is written %2B)"},
		"injected sender":   {"smtps://example.com?from=a@example.com%0d%0aDATA&to=b@example.com", "", "the address's from=… is no e-mail address"},
		"TLS without TLS":   {"smtps://example.com" + people + "&tls=none", "", "the address's tls takes none, and that with smtp:// only"},
		"unknown TLS":       {"smtp://example.com" + people + "&tls=" + canary, "", "the address's tls takes none, and that with smtp:// only"},
		"password in clear": {"smtp://u:" + canary + "@example.com" + people + "&tls=none", "", "the address holds a password, which tls=none would send in the clear"},
		"half a password":   {"smtp://" + canary + "@example.com" + people, "", "the address holds a user without a password, or a password without a user"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewSender(test.address, Options{Format: test.format})
			checkSecret(t, err)
			if text(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSenderPrintsNothingOfItsAddress(t *testing.T) {
	for _, address := range []string{
		"https://u:" + canary + "@example.com/" + canary + "?" + canary,
		"smtps://u:" + canary + "@example.com?from=a@example.com&to=b@example.com",
	} {
		sender := impatient(t, address, Options{})
		if printed := fmt.Sprintf("%v %+v %#v", sender, *sender, sender); strings.Contains(printed, canary) {
			t.Error(printed)
		}
	}
}
