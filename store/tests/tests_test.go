package tests

import "testing"

func TestID(t *testing.T) {
	t.Parallel()
	ids := map[string]Case{}
	for _, c := range []Case{{}, {Suite: "a"}, {Class: "a"}, {Name: "a"}, {Suite: "a", Class: "b"}, {Suite: "ab"}, {Class: "a", Name: "b"}} {
		if other, taken := ids[c.ID()]; taken || len(c.ID()) != 16 {
			t.Errorf("%+v and %+v have the ID %q", c, other, c.ID())
		}
		ids[c.ID()] = c
	}
	same := Case{Name: "a", File: "f", Line: 1, State: Failed, Seconds: 1, Message: "m"}
	if _, taken := ids[same.ID()]; !taken {
		t.Errorf("what happened to a case changes its ID to %q", same.ID())
	}
}
