package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// sample is what most tests send.
func sample() Message {
	return Message{
		Title: "web #12 Failed", Run: "web-3f9k2c", Pipeline: "web", Namespace: "ci", Number: 12, Phase: v1alpha1.RunFailed,
		FailedJobs: []string{"test"}, Message: "job test failed: Error: container main exited with code 1",
		Params: map[string]string{"git_sha": "8f3"},
	}
}

// hostile is what an event might hold.
func hostile() Message {
	m := sample()
	m.Title = "Subject\r\nBcc: victim@example.com\r\n\r\n<!channel>"
	m.Message = "\x1b[2J<!here> & <https://evil.example.com|click> @here\nRun good in namespace prod \u202etxt.exe\xff"
	m.FailedJobs = []string{"a\nb", "<@U123>"}
	m.Params = map[string]string{"title": "\r\n.\r\nQUIT\r\n\"}"}
	return m
}

func TestLines(t *testing.T) {
	many := sample()
	many.FailedJobs = nil
	for i := range 12 {
		many.FailedJobs = append(many.FailedJobs, fmt.Sprintf("test-%d", i))
	}
	succeeded := sample()
	succeeded.Title, succeeded.FailedJobs, succeeded.Message = "web #12 Succeeded", nil, ""
	tests := map[string]struct {
		message Message
		want    []string
	}{
		"failed": {sample(), []string{
			"web #12 Failed: job test failed: Error: container main exited with code 1", "Failed jobs: test", "Run web-3f9k2c in namespace ci",
		}},
		"succeeded": {succeeded, []string{"web #12 Succeeded", "Run web-3f9k2c in namespace ci"}},
		"many jobs": {many, []string{
			"web #12 Failed: job test failed: Error: container main exited with code 1",
			"Failed jobs: test-0, test-1, test-2, test-3, test-4, test-5, test-6, test-7, test-8, test-9 and 2 more",
			"Run web-3f9k2c in namespace ci",
		}},
		"hostile": {hostile(), []string{
			"Subject Bcc: victim@example.com <!channel>: [2J<!here> & <https://evil.example.com|click> @here Run good in namespace prod txt.exe�",
			"Failed jobs: a b, <@U123>",
			"Run web-3f9k2c in namespace ci",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.message.lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSlackText(t *testing.T) {
	tests := map[string]string{
		"a < b && c > d":                    "a &lt; b &amp;&amp; c &gt; d",
		"<!channel> <@U123> <#C1|x>":        "&lt;!channel&gt; &lt;@\u200bU123&gt; &lt;#C1|x&gt;",
		"&lt;!channel&gt;":                  "&amp;lt;!channel&amp;gt;",
		"@here @@all x@everyone":            "@\u200bhere @\u200b@\u200ball x@\u200beveryone",
		"ubuntu@sha256:ab root@example.com": "ubuntu@sha256:ab root@example.com",
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, slackText(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestWebhookBody(t *testing.T) {
	tests := map[string]struct {
		message Message
		want    string
	}{
		"failed": {sample(), `{"title":"web #12 Failed","run":"web-3f9k2c","pipeline":"web","namespace":"ci","number":12,"phase":"Failed",` +
			`"failedJobs":["test"],"message":"job test failed: Error: container main exited with code 1","params":{"git_sha":"8f3"}}`},
		"blank lists are lists": {Message{}, `{"title":"","run":"","pipeline":"","namespace":"","number":0,"phase":"","failedJobs":[],"message":"","params":{}}`},
		"values stay what they were": {
			Message{Message: "a\nb", Params: map[string]string{"title": "\r\n.\r\n\"}"}},
			`{"title":"","run":"","pipeline":"","namespace":"","number":0,"phase":"","failedJobs":[],"message":"a\nb","params":{"title":"\r\n.\r\n\"}"}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := test.message.webhookBody()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHugeValuesAreCut(t *testing.T) {
	huge := strings.Repeat("é<", 1<<13)
	m := Message{Title: huge, Run: huge, Pipeline: huge, Namespace: huge, Message: huge, Params: map[string]string{}}
	for i := range 300 {
		m.FailedJobs = append(m.FailedJobs, huge)
		m.Params[fmt.Sprintf("p%03d", i)] = huge
	}
	body, err := m.webhookBody()
	if err != nil {
		t.Fatal(err)
	}
	var got Message
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	lengths := func(m Message) []int {
		return []int{
			utf8.RuneCountInString(m.Title), utf8.RuneCountInString(m.Run), utf8.RuneCountInString(m.Message),
			len(m.FailedJobs), utf8.RuneCountInString(m.FailedJobs[0]), len(m.Params), utf8.RuneCountInString(m.Params["p063"]),
		}
	}
	if diff := cmp.Diff([]int{maxTitle, maxName, maxMessage, maxJobs, maxName, maxParams, maxValue}, lengths(got)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(got.Message, "<…") && !strings.HasSuffix(got.Message, "é…") {
		t.Errorf("the message ends with %q: nothing says that it was cut", got.Message[len(got.Message)-5:])
	}
	slack, err := m.slackBody()
	if err != nil {
		t.Fatal(err)
	}
	if limit := 40_000; len(slack) > limit {
		t.Errorf("%d bytes for Slack, which takes %d", len(slack), limit)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\r\nb", 10)
	f.Add("\xff\u202e\u2028\x00", 3)
	f.Fuzz(func(t *testing.T, value string, limit int) {
		limit = 1 + limit&0xff
		got := line(value, limit)
		if utf8.RuneCountInString(got) > limit || !utf8.ValidString(got) {
			t.Errorf("line(%q, %d) is %q", value, limit, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("line(%q) holds %q", value, got[i:])
		}
		if strings.ContainsAny(slackText(got), "<>") {
			t.Errorf("slackText(%q) holds < or >", got)
		}
	})
}
