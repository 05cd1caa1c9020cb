package draw

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
)

// Sizes of the picture, in pixels at the page's usual size of text. Rows are as far apart
// as a finger needs.
const (
	charWidth = 8
	boxHeight = 32
	rowHeight = 44
	gapWidth  = 48
	padding   = 8
	// longestName is where names are cut, by their middle. The whole one is in the title.
	longestName = 28
	captionRoom = 24
)

// svgTemplate is a list of links, for who doesn't see it; the lines between are hidden
// there, since the title of a box says in words what it needs, and so are signs and
// numbers, which the title has, too. Looks are the style sheet's: there are
// classes and no styles, which a strict policy refuses. Without a style sheet it can be
// read, too.
const svgTemplate = `<svg class="graph" xmlns="http://www.w3.org/2000/svg" font-family="monospace" font-size="13" role="group" aria-label="{{.Title}}" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}">
<g class="edges" aria-hidden="true">
{{- range .Edges}}
<path class="edge{{with .Class}} {{.}}{{end}}" fill="none" stroke="currentColor" d="{{.Path}}"/>
{{- end}}
{{- with .Finally}}
<line class="finally" stroke="currentColor" stroke-dasharray="4" x1="{{.}}" y1="0" x2="{{.}}" y2="{{$.Height}}"/>
<text class="finally" fill="currentColor" x="{{$.Caption}}" y="16">finally</text>
{{- end}}
</g>
<g role="list">
{{- range .Boxes}}
<g role="listitem">{{if .Link}}<a class="{{.Class}}" href="{{.Link}}">{{else}}<g class="{{.Class}}" role="img">{{end -}}
<title>{{.Says}}</title><rect fill="none" stroke="currentColor" x="{{.X}}" y="{{.Y}}" width="{{.Width}}" height="{{.Height}}" rx="4"/>
{{- if .Folded}}<path class="fold" fill="none" stroke="currentColor" d="{{.Fold}}"/>{{end -}}
<text fill="currentColor" x="{{.TextX}}" y="{{.TextY}}">{{with .Symbol}}<tspan class="symbol" aria-hidden="true">{{.}}</tspan> {{end}}{{.Name}}{{with .Note}} <tspan class="note" aria-hidden="true">{{.}}</tspan>{{end}}</text>
{{- if .Link}}</a>{{else}}</g>{{end}}</g>
{{- end}}
</g>
</svg>
`

type svgPage struct {
	Title           string
	Width, Height   int
	Edges           []svgEdge
	Boxes           []svgBox
	Finally         int
	Caption         int
	lefts, widths   []int
	rows, captioned int
}

type svgEdge struct{ Class, Path string }

type svgBox struct {
	Mark
	Class, Name, Says string
	X, Y              int
	Width, Height     int
	TextX, TextY      int
	Folded            bool
	Fold              string
}

// SVG draws the graph for a page. Title says what it is of.
func SVG(l graph.Layout, marks Marks, title string) (template.HTML, error) {
	page := newSVG(&l, marks)
	page.Title = printable.Text(title)
	page.wire(&l, marks)
	parsed, err := template.New("svg").Parse(svgTemplate)
	if err != nil {
		return "", fmt.Errorf("read the template of the graph: %w", err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, page); err != nil {
		return "", fmt.Errorf("draw the graph: %w", err)
	}
	return template.HTML(out.String()), nil //nolint:gosec // It comes from html/template, escaped.
}

func newSVG(l *graph.Layout, marks Marks) *svgPage {
	page := &svgPage{lefts: make([]int, l.Layers), widths: make([]int, l.Layers), rows: l.Rows}
	if l.Finally < l.Layers {
		page.captioned = captionRoom
	}
	needs := make([][]string, len(l.Boxes))
	for _, edge := range l.Edges {
		needs[edge.To] = append(needs[edge.To], printable.Text(l.Boxes[edge.From].Name))
	}
	for i := range l.Boxes {
		box := &l.Boxes[i]
		shown := svgBox{Mark: marks.of(box), Name: printable.CutMiddle(printable.Text(box.Name), longestName), Folded: box.Folded()}
		shown.Class = strings.TrimSpace("box " + shown.Mark.Class)
		shown.Says = says(box, shown.Mark, needs[i], box.Layer >= l.Finally)
		if !local(shown.Link) {
			shown.Link = ""
		}
		characters := utf8.RuneCountInString(strings.TrimSpace(shown.Symbol + " " + shown.Name + " " + shown.Note))
		page.widths[box.Layer] = max(page.widths[box.Layer], characters*charWidth+2*padding)
		page.Boxes = append(page.Boxes, shown)
	}
	page.Width = padding
	for layer, width := range page.widths {
		if layer > 0 {
			page.Width += gapWidth
		}
		if layer == l.Finally && layer < l.Layers {
			page.Finally = max(1, page.Width-gapWidth/2)
			page.Caption = page.Finally + padding
		}
		page.lefts[layer] = page.Width
		page.Width += width
	}
	page.Width += padding
	page.Height = page.captioned + l.Rows*rowHeight + padding
	for i := range l.Boxes {
		page.place(&page.Boxes[i], &l.Boxes[i])
	}
	return page
}

func (p *svgPage) place(shown *svgBox, box *graph.Box) {
	shown.X, shown.Width, shown.Height = p.lefts[box.Layer], p.widths[box.Layer], boxHeight
	shown.Y = p.middle(box.Row) - boxHeight/2
	shown.TextX, shown.TextY = shown.X+padding, shown.Y+boxHeight*2/3
	if shown.Folded {
		// The edge of a second box behind the first.
		shown.Fold = fmt.Sprintf("M%d %dh%dv%d", shown.X+4, shown.Y-4, shown.Width, boxHeight)
	}
}

// middle of a row.
func (p *svgPage) middle(row int) int { return p.captioned + padding + row*rowHeight + boxHeight/2 }

// wire draws the edges that begin at one box as one path: they share a part of their way.
func (p *svgPage) wire(l *graph.Layout, marks Marks) {
	for from := 0; from < len(l.Edges); {
		box := &l.Boxes[l.Edges[from].From]
		var path strings.Builder
		drawn := map[string]bool{}
		to := from
		for ; to < len(l.Edges) && l.Edges[to].From == l.Edges[from].From; to++ {
			p.follow(l, &l.Edges[to], func(part string) {
				if !drawn[part] {
					drawn[part] = true
					path.WriteString(part)
				}
			})
		}
		p.Edges = append(p.Edges, svgEdge{Class: marks.of(box).Class, Path: path.String()})
		from = to
	}
}

// follow draws an edge from layer to layer.
func (p *svgPage) follow(l *graph.Layout, edge *graph.Edge, part func(string)) {
	box := &l.Boxes[edge.From]
	y := p.middle(box.Row)
	for layer := box.Layer; layer < l.Boxes[edge.To].Layer; layer++ {
		x, next := p.lefts[layer]+p.widths[layer], p.lefts[layer+1]
		row := l.Boxes[edge.To].Row
		passed := layer - box.Layer
		if passed < len(edge.Via) {
			row = edge.Via[passed]
		}
		to := p.middle(row)
		curve := fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x, y, x+gapWidth/2, y, x+gapWidth/2, to, next, to)
		if passed < len(edge.Via) {
			curve += fmt.Sprintf("h%d", p.widths[layer+1])
		}
		part(curve)
		y = to
	}
}

// says is the box in words.
func says(box *graph.Box, mark Mark, needs []string, finally bool) string {
	text := printable.Text(box.Name)
	if box.Folded() {
		text += fmt.Sprintf(" (%d jobs)", len(box.Jobs))
	}
	if mark.Word != "" {
		text += ": " + mark.Word
	}
	if mark.Note != "" {
		text += " " + mark.Note
	}
	if finally {
		text += ", finally"
	}
	if len(needs) > 0 {
		text += ", needs " + strings.Join(needs, ", ")
	}
	return text
}

// local reports whether a link stays on the page's own site.
func local(link string) bool {
	return strings.HasPrefix(link, "?") || strings.HasPrefix(link, "#") ||
		strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") && !strings.HasPrefix(link, `/\`)
}
