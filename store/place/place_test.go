package place_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kayci/kayci/store/place"
)

func run() place.Run {
	return place.Run{Namespace: "ci", Pipeline: "web", Name: "web-7", UID: "uid"}
}

// TestNames: what is read of a name is what it was made of.
func TestNames(t *testing.T) {
	t.Parallel()
	entry := run().IndexEntry(7)
	rest, within := strings.CutPrefix(entry, place.Index("ci", "web"))
	if got, number, is := place.ReadEntry("ci", "web", rest); !within || !is || got != run() || number != 7 {
		t.Errorf("%s is read as %+v, %d, %t", entry, got, number, is)
	}
	name := run().NameEntry()
	rest, within = strings.CutPrefix(name, place.Names("ci", "web-7"))
	if got, is := place.ReadName("ci", "web-7", rest); !within || !is || got != run() {
		t.Errorf("%s is read as %+v, %t", name, got, is)
	}
	log := place.Log{Run: run(), Job: "test", Pod: "pod", Container: "main"}
	part := log.Part(12, 3456)
	if line, before, is := place.ReadPart(part); !is || line != 12 || before != 3456 || !strings.HasPrefix(part, log.Folder()) || !strings.HasPrefix(part, run().Folder()) {
		t.Errorf("%s is read as %d, %d, %t", part, line, before, is)
	}
}

// TestOtherNames: what no name was made as is none.
func TestOtherNames(t *testing.T) {
	t.Parallel()
	log := place.Log{Run: run(), Job: "test", Pod: "pod", Container: "main"}
	for _, other := range []string{log.End(), log.Folder() + "x-y.log.gz", log.Folder() + "1.log.gz", log.Folder() + "1-.log.gz"} {
		if _, _, is := place.ReadPart(other); is {
			t.Errorf("%s is read as a part", other)
		}
	}
	for _, other := range []string{"", "1/web-7", "x/web-7/uid", "1/web-7/uid/more"} {
		if _, _, is := place.ReadEntry("ci", "web", other); is {
			t.Errorf("%q is read as an entry", other)
		}
	}
}

// TestOrder: in the order of their names, Runs are the newest first, and parts are a log.
func TestOrder(t *testing.T) {
	t.Parallel()
	var entries, parts []string
	log := place.Log{Run: run(), Job: "test", Pod: "pod", Container: "main"}
	for _, n := range []int64{1 << 40, 100, 99, 10, 9, 1, 0} {
		entries = append(entries, run().IndexEntry(n))
		parts = append([]string{log.Part(max(n, 1), n)}, parts...)
	}
	if !slices.IsSorted(entries) {
		t.Errorf("the newest isn't first: %v", entries)
	}
	if !slices.IsSorted(parts) {
		t.Errorf("parts are out of order: %v", parts)
	}
}
