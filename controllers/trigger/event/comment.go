package event

import "github.com/kayci/kayci/api/v1alpha1"

// comment is what all providers say about a comment on a pull request.
type comment struct {
	pull         pull
	action       string
	body, author string
	url          string
	remark       Remark
}

func (c *comment) event() (*Event, error) {
	e, err := c.pull.event(v1alpha1.EventComment, v1alpha1.EventAction(cleaned(c.action)))
	if err != nil {
		return nil, err
	}
	body := cutText(c.body, maxMessage)
	e.URL, e.Remark = pageURL(c.url), c.remark
	e.Comment = Comment{Body: body, Author: c.author}
	e.Comment.Command, e.Comment.Args = command(body)
	return e, e.checkNames()
}
