package plan

// Setting is one of git's configuration.
type Setting struct{ Name, Value string }

// Access is how git proves who it is.
type Access struct {
	// Helper is the command of a credential helper. Blank: there is none.
	Helper string
	// BearerToken is sent instead, if there is one.
	BearerToken string
	// CAFile holds the authorities that vouch for the host. Blank: the system's.
	CAFile string
	// Folder is git's own of the checkout, an absolute path.
	Folder string
}

// Config is all that git knows beside what stands in the checkout's own, which git
// itself has just made: what a repository holds configures nothing.
func (s Source) Config(access Access) []Setting {
	settings := []Setting{
		{"core.hooksPath", "/dev/null"},
		{"core.attributesFile", "/dev/null"},
		{"core.fsmonitor", "false"},
		{"safe.directory", "*"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"submodule.recurse", "false"},
		{"protocol.allow", "never"},
		{"protocol." + schemeHTTPS + ".allow", "always"},
		{"protocol." + schemeSSH + ".allow", "always"},
		{"http.lowSpeedLimit", "1"},
		{"http.lowSpeedTime", "60"},
		{"credential.helper", access.Helper},
	}
	if s.Remote.Scheme() == schemeHTTP {
		settings = append(settings, Setting{"protocol." + schemeHTTP + ".allow", "always"})
	}
	if s.LFS {
		settings = append(settings, s.lfs(access.Folder)...)
	}
	of := "http." + s.Remote.Scheme() + "://" + s.Host + "/."
	if s.Host != "" && access.CAFile != "" {
		settings = append(settings, Setting{of + "sslCAInfo", access.CAFile})
	}
	if s.Host != "" && access.BearerToken != "" {
		// Unlike a password, a header would follow a redirect to any host.
		settings = append(settings, Setting{of + "extraHeader", "Authorization: Bearer " + access.BearerToken},
			Setting{"http.followRedirects", "false"})
	}
	return settings
}
