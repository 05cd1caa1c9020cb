package pull

import (
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// replyMark begins each comment that KayCI writes: it has none of the commands, and
// nothing starts by it, though its author may write.
const replyMark = "KayCI doesn't do this: "

// Reply is the comment that says why a command was refused. The reason may have words of
// others in it, and is shown as it is: as code.
func Reply(reason string) string {
	return replyMark + "`" + strings.ReplaceAll(printable.Text(reason), "`", "'") + "`"
}

// IsReply reports whether the event is about a comment like those that KayCI writes.
func IsReply(e *event.Event) bool { return strings.HasPrefix(e.Comment.Body, replyMark) }
