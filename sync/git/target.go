package git

import (
	"net/url"
	"strings"
	"unicode"
)

// target is a checked URL.
type target struct {
	url *url.URL
}

// parseTarget refuses what can't be fetched from. Its errors don't repeat the
// URL, which may hold a password.
func parseTarget(raw string, report reporter) (target, error) {
	refuse := func(why string) (target, error) {
		return target{}, report.fail(ReasonInvalidURL, "the repository's URL %s", why)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse("is malformed")
	}
	switch u.Scheme {
	case "https", "http", "ssh", "git":
	default:
		return refuse("must begin with https://, http://, ssh:// or git://")
	}
	_, hasPassword := u.User.Password()
	switch {
	case hasPassword:
		return refuse("must not hold a password: put credentials in the Secret")
	case u.User != nil && u.Scheme != "ssh":
		return refuse("must not hold a user name, which may be a token: put credentials in the Secret")
	case u.Hostname() == "" || strings.Trim(u.Path, "/") == "":
		return refuse("must name a host and a repository")
	case u.RawQuery != "" || u.Fragment != "":
		return refuse("must not have a query or fragment")
	case strings.ContainsFunc(u.Path+u.Host+u.User.Username(), unicode.IsControl):
		return refuse("holds a control character")
	}
	return target{u}, nil
}

// String returns the URL without a user name.
func (t target) String() string {
	public := *t.url
	public.User = nil
	return public.String()
}

// address is host:port to dial.
func (t target) address(defaultPort string) string {
	port := t.url.Port()
	if port == "" {
		port = defaultPort
	}
	host := t.url.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}
