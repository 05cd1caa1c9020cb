package draw

import (
	"strings"
	"unicode/utf8"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
)

// Style is how text is drawn.
type Style struct {
	// Width in characters that there is room for. 0: as much as is needed.
	Width int
	// ASCII leaves out what only some terminals can show. Marks have to do that
	// themselves.
	ASCII bool
	// Paint gives a text the colour of a class. Nil: there are no colours.
	Paint func(class, text string) string
}

// Text draws the graph with characters, each line with its end. Where it can't be drawn
// it is a list of the jobs with what they need.
func Text(l graph.Layout, marks Marks, style Style) string {
	if text, drawn := Drawing(l, marks, style); drawn {
		return text
	}
	return list(&l, marks, style)
}

// Drawing is Text, or false where the graph can't be drawn. Names are cut where there is
// no room for them; there may be none at all, or the lines may be too tangled to follow.
func Drawing(l graph.Layout, marks Marks, style Style) (string, bool) {
	if len(l.Boxes) == 0 {
		return "", false
	}
	w, drawn := wire(&l)
	if !drawn {
		return "", false
	}
	for _, longest := range []int{maxName, 24, 16, 12} {
		p := newPicture(&l, w, marks, longest, style)
		if style.Width == 0 || p.width() <= style.Width {
			return p.draw().render(style.ASCII, style.Paint), true
		}
	}
	return "", false
}

// maxName is the length of the longest name of a job, with room for a symbol and a note.
const maxName = 80

// picture is where things are in a drawing.
type picture struct {
	layout *graph.Layout
	wiring *wiring
	style  Style
	labels []string
	marks  []Mark
	// widths of the layers, and of the gaps behind them.
	widths, gaps []int
}

func newPicture(l *graph.Layout, w *wiring, marks Marks, longest int, style Style) *picture {
	p := &picture{layout: l, wiring: w, style: style, widths: make([]int, l.Layers), gaps: make([]int, l.Layers)}
	for i := range l.Boxes {
		box, mark := l.Boxes[i], marks.of(&l.Boxes[i])
		box.Name = printable.CutMiddle(printable.Text(box.Name), longest)
		text := label(&box, mark)
		if style.ASCII {
			text = strings.ReplaceAll(text, "…", "~")
		}
		p.labels, p.marks = append(p.labels, text), append(p.marks, mark)
		p.widths[box.Layer] = max(p.widths[box.Layer], utf8.RuneCountInString(text)+len("[]"))
	}
	for layer := range l.Layers - 1 {
		p.gaps[layer] = 2
		for _, n := range w.nets[layer] {
			if !n.straight {
				p.gaps[layer] = max(p.gaps[layer], 2*n.lane+3)
			}
		}
		if layer+1 == l.Finally {
			p.gaps[layer] = 3
		}
	}
	return p
}

func (p *picture) width() int {
	width := 0
	for layer := range p.widths {
		width += p.widths[layer] + p.gaps[layer]
	}
	return width
}

func (p *picture) draw() *canvas {
	height := p.wiring.start[len(p.wiring.start)-1]
	c := newCanvas(p.width(), height)
	x := 0
	for layer := range p.widths {
		for _, at := range p.wiring.layers[layer] {
			p.drawNode(c, x, p.widths[layer], &p.wiring.nodes[at])
		}
		x += p.widths[layer]
		p.drawNets(c, x, p.gaps[layer], p.wiring.nets[layer])
		if layer+1 == p.layout.Finally && layer+1 < p.layout.Layers {
			for y := range height {
				c.write(x+1, y, p.separator(), "")
			}
		}
		x += p.gaps[layer]
	}
	return c
}

// separator stands before finally jobs.
func (p *picture) separator() string {
	if p.style.ASCII {
		return ":"
	}
	return "┊"
}

func (p *picture) drawNode(c *canvas, x, width int, n *node) {
	y := p.wiring.start[n.row]
	if n.pass {
		c.across(x, x+width, y+n.skip)
		return
	}
	text := p.labels[n.box]
	for line := range n.height() {
		blanks := strings.Repeat(" ", width-len("[]")-utf8.RuneCountInString(text))
		c.write(x, y+line, "["+text+blanks+"]", p.marks[n.box].Class)
		text = ""
	}
}

// drawNets draws first what lies, and then what stands over it.
func (p *picture) drawNets(c *canvas, x, gap int, nets []*net) {
	for _, n := range nets {
		lane := x + 2*n.lane + 1
		if n.straight {
			c.across(x, x+gap, n.top)
			continue
		}
		for _, line := range n.ins {
			c.across(x, lane, line)
		}
		for _, line := range n.outs {
			c.across(lane+1, x+gap, line)
		}
	}
	for _, n := range nets {
		if n.straight {
			continue
		}
		lane := x + 2*n.lane + 1
		c.upright(lane, n.top, n.bottom)
		for _, line := range n.ins {
			c.join(lane, line, left)
		}
		for _, line := range n.outs {
			c.join(lane, line, right)
		}
	}
}

// list is a line for each box, with what it needs.
func list(l *graph.Layout, marks Marks, style Style) string {
	needs := make([][]string, len(l.Boxes))
	for _, edge := range l.Edges {
		needs[edge.To] = append(needs[edge.To], printable.Text(l.Boxes[edge.From].Name))
	}
	var text strings.Builder
	for i := range l.Boxes {
		box := &l.Boxes[i]
		mark := marks.of(box)
		shown := label(box, mark)
		line := ""
		if box.Layer >= l.Finally {
			line += ", finally"
		}
		if len(needs[i]) > 0 {
			line += ", needs " + strings.Join(needs[i], ", ")
		}
		if style.ASCII {
			shown, line = strings.ReplaceAll(shown, "…", "~"), strings.ReplaceAll(line, "…", "~")
		}
		if style.Width > 0 {
			shown = printable.Cut(shown, style.Width)
			line = printable.Cut(line, style.Width-utf8.RuneCountInString(shown))
		}
		if style.Paint != nil && mark.Class != "" {
			shown = style.Paint(mark.Class, shown)
		}
		text.WriteString(shown + line + "\n")
	}
	return text.String()
}
