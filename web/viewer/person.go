package viewer

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many bytes the name of a user or group may have.
const maxName = 512

// system begins the names of what belongs to the cluster itself.
const system = "system:"

// Person is whom the page acts for at the API server without having a token of theirs:
// requests carry the token of the page's own account, and say for whom they are.
type Person struct {
	User   string
	Groups []string
}

// Check returns why the page acts for nobody of these names.
func (p *Person) Check() error {
	if err := checkName(p.User); err != nil {
		return fmt.Errorf("the user %q: %w", p.User, err)
	}
	for _, group := range p.Groups {
		if err := checkName(group); err != nil {
			return fmt.Errorf("the group %q: %w", group, err)
		}
	}
	return nil
}

// checkName refuses names of the cluster's own, and those that the way to the API server
// could change to another: blanks at the ends of a header are lost.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is blank")
	case len(name) > maxName:
		return fmt.Errorf("the name has more than %d bytes", maxName)
	case strings.HasPrefix(name, system):
		return errors.New("names that begin with " + system + " are the cluster's own")
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the name has characters that nobody sees")
	case strings.TrimSpace(name) != name:
		return errors.New("the name begins or ends with a blank")
	}
	return nil
}

// key tells persons apart. No name has a line break in it.
func (p *Person) key() string {
	return "\n" + p.User + "\n" + strings.Join(p.Groups, "\n")
}
