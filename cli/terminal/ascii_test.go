package terminal

import "testing"

func TestASCII(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want bool
	}{
		{nil, false},
		{[]string{"LANG=C"}, true},
		{[]string{"LANG=de_DE.UTF-8"}, false},
		{[]string{"LANG=C.utf8", "LC_ALL="}, false},
		{[]string{"LANG=en_US.UTF-8", "LC_ALL=POSIX"}, true},
		{[]string{"LC_CTYPE=de_DE.ISO-8859-1"}, true},
	} {
		if got := ascii(env(tt.env...)); got != tt.want {
			t.Errorf("%q: %t", tt.env, got)
		}
	}
}
