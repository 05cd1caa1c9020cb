// Package docs reads the commands that the documents tell people to type, so
// that tests can type them.
package docs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Block is a fenced block of a page.
type Block struct {
	// Line of its first line in the file, from 1.
	Line int
	// Language is what stands behind the fence: sh for commands, console for
	// commands behind "$ " with what they print, or another for what nobody types.
	Language string
	Text     string
}

// Page is what there is to type in a Markdown file.
type Page struct {
	Name   string
	Blocks []Block
	// Inline are kubectl's commands in running text and tables, in their order. One
	// without arguments is the name of a command.
	Inline []string
}

const fence = "```"

var inline = regexp.MustCompile("`(kubectl [^ `]+ [^`]+)`")

// Read takes a page apart. It refuses blocks that don't say what they are: a
// command in one of these would run in no test.
func Read(name, markdown string) (Page, error) {
	page := Page{Name: name}
	var errs []error
	var block *Block
	previous := ""
	for i, line := range strings.Split(markdown, "\n") {
		fenced := strings.HasPrefix(line, fence)
		switch {
		case block != nil && fenced:
			page.Blocks = append(page.Blocks, *block)
			block = nil
		case block != nil:
			block.Text += line + "\n"
		case line == fence:
			errs = append(errs, fmt.Errorf("%s:%d: a block that doesn't say its language", name, i+1))
			block = &Block{Line: i + 2}
		case fenced:
			block = &Block{Line: i + 2, Language: strings.TrimPrefix(line, fence)}
		case previous == "" && strings.HasPrefix(line, "    "):
			errs = append(errs, fmt.Errorf("%s:%d: a block without a fence", name, i+1))
		default:
			for _, match := range inline.FindAllStringSubmatch(line, -1) {
				page.Inline = append(page.Inline, match[1])
			}
		}
		previous = line
	}
	if block != nil {
		errs = append(errs, fmt.Errorf("%s:%d: a block that doesn't end", name, block.Line-1))
	}
	return page, errors.Join(errs...)
}

// Commands are the lines of a block that are typed; blank if there are none.
func (b Block) Commands() string {
	switch b.Language {
	case "sh":
		return b.Text
	case "console":
		var typed strings.Builder
		for line := range strings.Lines(b.Text) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				typed.WriteString(command)
			}
		}
		return typed.String()
	}
	return ""
}

// First is the first line that is typed: tables name a block by it.
func (b Block) First() string {
	first, _, _ := strings.Cut(b.Commands(), "\n")
	return first
}

// Script is all that a page has one type, as one script for bash: what a block
// sets is there for those after it. Blocks in skip are left out.
func (p Page) Script(skip map[string]string) string {
	var script strings.Builder
	for _, block := range p.Blocks {
		if _, skipped := skip[block.First()]; skipped || block.Commands() == "" {
			continue
		}
		fmt.Fprintf(&script, "echo '== %s:%d' | tee /dev/stderr\n%s", p.Name, block.Line, block.Commands())
	}
	return script.String()
}
