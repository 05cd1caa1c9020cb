package plan

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
)

// The schemes that a source may have.
const (
	schemeHTTPS = "https"
	schemeHTTP  = "http"
	schemeSSH   = "ssh"
)

// Remote is a checked URL of a repository. Its text holds no credential.
type Remote struct{ url *url.URL }

// ReadURL checks the URL of a repository. Errors don't repeat it: it may hold a
// password.
func ReadURL(raw string) (Remote, error) {
	if name, is := unset(raw); is {
		return Remote{}, errors.New("the URL " + unsetAdvice(name))
	}
	u, err := url.Parse(raw)
	if err != nil {
		return Remote{}, errors.New("the URL is malformed")
	}
	if fault := faultOf(u); fault != "" {
		return Remote{}, errors.New("the URL " + fault)
	}
	return Remote{u}, nil
}

// faultOf says what is wrong with a URL. Blank: nothing is.
func faultOf(u *url.URL) string {
	_, hasPassword := u.User.Password()
	user, host := u.User.Username(), u.Hostname()
	switch {
	case !slices.Contains([]string{schemeHTTPS, schemeHTTP, schemeSSH}, u.Scheme):
		return "must begin with https://, ssh:// or http://"
	case hasPassword, u.User != nil && u.Scheme != schemeSSH:
		return "must not hold a user name or password: put credentials into a Secret"
	case host == "" || strings.Trim(u.Path, "/") == "":
		return "must name a host and a repository"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "must not have a query or fragment"
	case strings.HasPrefix(host, "-") || strings.HasPrefix(user, "-"):
		return "names a host or user that begins with a dash"
	case strings.ContainsFunc(u.Path+u.Host+user, invisible):
		return "holds a space or control character"
	default:
		return ""
	}
}

func invisible(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

// String returns the URL.
func (r Remote) String() string { return r.url.String() }

// Scheme is https, http or ssh.
func (r Remote) Scheme() string { return r.url.Scheme }

// Host is the name of the host, with its port unless that is the scheme's own.
func (r Remote) Host() string { return hostOf(r.url.Host, r.url.Scheme) }

// SameHost reports whether a host, as git or a person writes it, is this one.
func (r Remote) SameHost(host string) bool { return hostOf(host, r.url.Scheme) == r.Host() }

func hostOf(host, scheme string) string {
	ports := map[string]string{schemeHTTPS: ":443", schemeHTTP: ":80", schemeSSH: ":22"}
	return strings.TrimSuffix(strings.ToLower(host), ports[scheme])
}

// Relative returns the remote of a submodule, whose URL may be relative to this one's.
// One by ssh at this host, also as scp(1) has it, is fetched by https if this one is: it
// is how people clone it, and the credentials here are for https.
func (r Remote) Relative(raw string) (Remote, error) {
	if strings.HasPrefix(raw, "./") || strings.HasPrefix(raw, "../") {
		u := *r.url
		u.Path, u.RawPath = path.Join("/", r.url.Path, raw), ""
		return ReadURL(u.String())
	}
	if before, after, is := strings.Cut(raw, ":"); is && !strings.Contains(raw, "://") && strings.Contains(before, "@") && !strings.Contains(before, "/") {
		raw = "ssh://" + before + "/" + strings.TrimPrefix(after, "/")
	}
	remote, err := ReadURL(raw)
	if err == nil && remote.Scheme() == schemeSSH && r.Scheme() != schemeSSH && strings.EqualFold(remote.url.Hostname(), r.url.Hostname()) {
		u := *r.url
		u.Path, u.RawPath = remote.url.Path, ""
		return ReadURL(u.String())
	}
	return remote, err
}

// unset returns the parameter that Kubernetes has left as it was written, because the
// container has no variable of that name.
func unset(value string) (name string, is bool) {
	inner, found := strings.CutPrefix(value, "$(KAYCI_")
	if !found {
		return "", false
	}
	inner, found = strings.CutSuffix(inner, ")")
	return strings.ToLower(inner), found
}

func unsetAdvice(name string) string {
	return fmt.Sprintf("is the parameter %s, which the Pipeline doesn't declare: add it to params, or say another", name)
}
