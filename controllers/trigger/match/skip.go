package match

import (
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// skipMarks in the message of a pushed commit ask for no Run, as git hosts have it.
func skipMarks() []string { return []string{"[skip ci]", "[ci skip]", "[no ci]"} }

// decideSkip looks for a mark, in whatever case. Only a push holds a message.
func decideSkip(_ *v1alpha1.Webhook, e *event.Event) Decision {
	if e.Kind != v1alpha1.EventPush {
		return Decision{Outcome: Matched}
	}
	message := strings.ToLower(e.Message)
	for _, mark := range skipMarks() {
		if strings.Contains(message, mark) {
			return no("the commit's message has %s in it", mark)
		}
	}
	return Decision{Outcome: Matched}
}
