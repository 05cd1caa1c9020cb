package openid

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/web/viewer"
)

// emailClaim is a claim whose value has to be verified, and is unique without a prefix.
const emailClaim = "email"

// noPrefix stands for no prefix of user names, where none at all means another.
const noPrefix = "-"

// Mapping says who the claims of an ID token are to the API server. What it makes of
// them is what the API server's own flags of these names would.
type Mapping struct {
	UsernameClaim, UsernamePrefix string
	GroupsClaim, GroupsPrefix     string
	// Groups that count, with their prefix. The API server refuses all that is asked for
	// somebody of one group more than the page's account may name.
	Groups []string
}

// Realm tells what this mapping has named from what another has.
func (m *Mapping) Realm(issuer, clientID string) string {
	return strings.Join([]string{issuer, clientID, m.UsernameClaim, m.UsernamePrefix, m.GroupsClaim, m.GroupsPrefix}, "\n")
}

// Person is who the claims name.
func (m *Mapping) Person(issuer string, claims map[string]any) (*viewer.Person, error) {
	name, is := claims[m.UsernameClaim].(string)
	if !is || name == "" {
		return nil, fmt.Errorf("the claim %s is no name", m.UsernameClaim)
	}
	if verified, said := claims["email_verified"]; m.UsernameClaim == emailClaim && said && verified != true {
		return nil, errors.New("the claim email isn't verified")
	}
	named, err := texts(claims[m.GroupsClaim])
	if err != nil {
		return nil, fmt.Errorf("the claim %s: %w", m.GroupsClaim, err)
	}
	person := &viewer.Person{User: m.prefix(issuer) + name}
	for _, group := range m.Groups {
		if raw, own := strings.CutPrefix(group, m.GroupsPrefix); own && slices.Contains(named, raw) {
			person.Groups = append(person.Groups, group)
		}
	}
	return person, person.Check()
}

func (m *Mapping) prefix(issuer string) string {
	switch {
	case m.UsernamePrefix == noPrefix, m.UsernamePrefix == "" && m.UsernameClaim == emailClaim:
		return ""
	case m.UsernamePrefix == "":
		return issuer + "#"
	default:
		return m.UsernamePrefix
	}
}

// texts of a claim: one, several, or none.
func texts(claim any) ([]string, error) {
	switch claim := claim.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{claim}, nil
	case []any:
		all := make([]string, 0, len(claim))
		for _, one := range claim {
			text, is := one.(string)
			if !is {
				return nil, errors.New("it is no list of texts")
			}
			all = append(all, text)
		}
		return all, nil
	default:
		return nil, errors.New("it is no list of texts")
	}
}
