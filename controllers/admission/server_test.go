package admission

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestOptions(t *testing.T) {
	whole := Options{
		Address: ":9443", Host: "kayci-admission.kayci.svc", Configuration: "kayci.kayci",
		Secret: types.NamespacedName{Namespace: "kayci", Name: "kayci-admission"},
	}
	for name, tc := range map[string]struct {
		change  func(*Options)
		enabled bool
		want    string
	}{
		"whole":                      {func(*Options) {}, true, ""},
		"one address":                {func(o *Options) { o.Address = "127.0.0.1:9443" }, true, ""},
		"none":                       {func(o *Options) { o.Address = "0" }, false, "missing port"},
		"blank":                      {func(o *Options) { o.Address = "" }, false, "missing port"},
		"any port":                   {func(o *Options) { o.Address = ":0" }, true, "needs a port"},
		"a name of a port":           {func(o *Options) { o.Address = ":https" }, true, "needs a port"},
		"no host":                    {func(o *Options) { o.Host = "" }, true, "needs a host"},
		"no namespace":               {func(o *Options) { o.Secret.Namespace = "" }, true, "needs a host, a secret"},
		"a certificate of one's own": {func(o *Options) { *o = Options{Address: o.Address, CertificateDir: "/tls"} }, true, ""},
		"no configuration":           {func(o *Options) { o.Configuration = "" }, true, "a webhook configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := whole
			tc.change(&opts)
			if opts.Enabled() != tc.enabled {
				t.Errorf("enabled is %t, want %t", opts.Enabled(), tc.enabled)
			}
			_, port, err := opts.endpoint()
			if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got error %v, want %q", err, tc.want)
			}
			if err == nil && port != 9443 {
				t.Errorf("port %d", port)
			}
		})
	}
}
