package githost_test

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func TestGitea(t *testing.T) {
	t.Parallel()
	const api = "/api/v1/repos/acme/web"
	permission := func(permission string) []exchange {
		return []exchange{{request: "GET " + api + "/collaborators/anna/permission", answer: `{"permission":"` + permission + `","role_name":"` + permission + `"}`}}
	}
	posted := func(state string) []exchange {
		return []exchange{{
			request: "POST " + api + "/statuses/" + head + ` {"state":"` + state + `","context":"kayci/web","description":"5 of 5 jobs succeeded","target_url":"https://ci.example.com/runs/ci/web-1"}`,
			code:    201, answer: `{"id":1,"status":"` + state + `"}`,
		}}
	}
	there, back := "GET "+api+"/compare/"+before+"..."+head+"?verification=false", "GET "+api+"/compare/"+head+"..."+before+"?verification=false"
	table(t, v1alpha1.ProviderGitea, map[string]call{
		"a thumb up":            {do: react("acme/web", githost.ThumbsUp, onPull), says: []exchange{{request: "POST " + api + `/issues/comments/501/reactions {"content":"+1"}`, code: 201, answer: "{}"}}},
		"a thumb that is there": {do: react("acme/web", githost.ThumbsDown, onPull), says: []exchange{{request: "POST " + api + `/issues/comments/501/reactions {"content":"-1"}`, code: 200, answer: "{}"}}},
		"may write":             {do: mayWrite("acme/web", "anna"), says: permission("write"), want: true},
		"owns":                  {do: mayWrite("acme/web", "anna"), says: permission("owner"), want: true},
		"may read":              {do: mayWrite("acme/web", "anna"), says: permission("read"), want: false},
		"nobody": {do: mayWrite("acme/web", "anna"), want: false, says: []exchange{{
			request: "GET " + api + "/collaborators/anna/permission", code: 404, answer: `{"message":"user does not exist [uid: 0, name: anna]","url":"https://git.example.com/api/swagger"}`,
		}}},
		"may not ask": {do: mayWrite("acme/web", "anna"), want: false, error: "Forbidden: GET 127.0.0.1:", says: []exchange{{
			request: "GET " + api + "/collaborators/anna/permission", code: 403, answer: `{"message":"Only admins can query all permissions"}`,
		}}},
		"of a fork":         {do: pull("acme/web"), says: []exchange{{request: "GET " + api + "/pulls/7", answer: hubPull(hubRepo("anna/web"))}}, want: fork(hubEvent)},
		"of a deleted fork": {do: pull("acme/web"), says: []exchange{{request: "GET " + api + "/pulls/7", answer: hubPull("null")}}, want: fork(func(e *event.Event) { hubEvent(e); e.PullRequest.HeadRepository = "" })},
		"of the repository": {do: pull("acme/web"), says: []exchange{{request: "GET " + api + "/pulls/7", answer: hubPull(hubRepo("acme/web"))}}, want: fork(func(e *event.Event) {
			hubEvent(e)
			e.PullRequest.HeadRepository, e.PullRequest.Fork = "acme/web", false
		})},
		"paths of a pull request, with as many on a page as the host likes": {do: changed("acme/web", byNumber), want: files{names(30, "z"), true}, says: []exchange{
			{request: "GET " + api + "/pulls/7/files?limit=100&page=1", answer: hubFiles(30)},
			{request: "GET " + api + "/pulls/7/files?limit=100&page=2", answer: `[{"filename":"z"}]`},
			{request: "GET " + api + "/pulls/7/files?limit=100&page=3", answer: `[]`},
		}},
		"paths of a push": {do: changed("acme/web", byCommit), want: files{[]string{"a", "b"}, true}, says: []exchange{
			{request: there, answer: `{"total_commits":2,"commits":[{"files":[{"filename":"b"}]},{"files":[{"filename":"a"},{"filename":"b"}]}]}`},
			{request: back, answer: `{"total_commits":0,"commits":[]}`},
		}},
		"paths of a forced push": {do: changed("acme/web", byCommit), want: files{[]string{"a", "gone"}, true}, says: []exchange{
			{request: there, answer: `{"total_commits":1,"commits":[{"files":[{"filename":"a"}]}]}`},
			{request: back, answer: `{"total_commits":1,"commits":[{"files":[{"filename":"gone"}]}]}`},
		}},
		"commits without paths": {do: changed("acme/web", byCommit), want: files{[]string{"a"}, false}, says: []exchange{
			{request: there, answer: `{"total_commits":2,"commits":[{"files":[{"filename":"a"}]},{}]}`},
			{request: back, answer: `{"total_commits":0,"commits":[]}`},
		}},
		"cancelled": {do: status("acme/web", state(githost.Cancelled)), says: posted("error")},
		"failure":   {do: status("acme/web", state(githost.Failure)), says: posted("failure")},
		"success":   {do: status("acme/web"), says: posted("success")},
		"pending":   {do: status("acme/web", state(githost.Pending)), says: posted("pending")},
		"running":   {do: status("acme/web", state(githost.Running)), says: posted("pending")},
		"a way out": {do: status("acme/.."), error: "acme/.. is no name of a repository"},
		"a comment": {do: comment("acme/web"), says: []exchange{{request: "POST " + api + `/issues/7/comments {"body":"not \u003cb\u003eyou\u003c/b\u003e"}`, code: 201, answer: "{}"}}},
	})
}
