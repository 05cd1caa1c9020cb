package match

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func TestSkip(t *testing.T) {
	saying := func(message string) *event.Event {
		e := push("refs/heads/main")
		e.Message = message
		return e
	}
	request := pullRequest(nil)
	request.Message, request.Title = "[skip ci]", "[skip ci]"
	pulls := github(func(w *v1alpha1.Webhook) { w.Events = []v1alpha1.EventKind{"pull_request"} })
	check(t, map[string]decided{
		"in the title":          {github(nil), saying("Fix [skip ci] this"), not("the commit's message has [skip ci] in it")},
		"in the text":           {github(nil), saying("Fix this\n\nIt is small. [ci skip]"), not("the commit's message has [ci skip] in it")},
		"no ci":                 {github(nil), saying("[no ci]"), not("the commit's message has [no ci] in it")},
		"in capitals":           {github(nil), saying("[SKIP CI]"), not("the commit's message has [skip ci] in it")},
		"words alone":           {github(nil), saying("Do not skip ci here"), matched("a push of refs/heads/main")},
		"before other filters":  {branches("dev"), saying("[skip ci]"), not("the commit's message has [skip ci] in it")},
		"not of a pull request": {pulls, request, matched("pull request 7 (opened)")},
	})
}
