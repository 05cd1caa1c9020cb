package draw

import "strings"

// The ways out of a character, to be added up.
const (
	up = 1 << iota
	down
	left
	right
)

// cell is a character, and the class that it is painted by.
type cell struct {
	char  rune
	class string
	// ways of a line.
	ways int
}

// canvas is a page of characters.
type canvas struct {
	lines [][]cell
	width int
}

func newCanvas(width, height int) *canvas {
	c := &canvas{width: width, lines: make([][]cell, height)}
	for i := range c.lines {
		c.lines[i] = make([]cell, width)
	}
	return c
}

func (c *canvas) write(x, y int, text, class string) {
	for _, char := range text {
		c.lines[y][x] = cell{char: char, class: class}
		x++
	}
}

// across draws a line from one column to before another. It passes under one that is
// there.
func (c *canvas) across(from, to, y int) {
	for x := from; x < to; x++ {
		if at := &c.lines[y][x]; at.ways == 0 {
			at.ways = left | right
		}
	}
}

// upright draws a line. It passes over those that are there.
func (c *canvas) upright(x, top, bottom int) {
	for y := top; y <= bottom; y++ {
		ways := 0
		if y > top {
			ways |= up
		}
		if y < bottom {
			ways |= down
		}
		c.lines[y][x].ways = ways
	}
}

func (c *canvas) join(x, y, ways int) { c.lines[y][x].ways |= ways }

// render writes the page, without blanks at the ends of lines.
func (c *canvas) render(ascii bool, paint func(class, text string) string) string {
	var page strings.Builder
	for _, line := range c.lines {
		end := len(line)
		for end > 0 && (line[end-1].char == 0 || line[end-1].char == ' ') && line[end-1].ways == 0 {
			end--
		}
		for from := 0; from < end; {
			to := from
			var part strings.Builder
			for ; to < end && line[to].class == line[from].class; to++ {
				part.WriteRune(line[to].shown(ascii))
			}
			if class := line[from].class; class != "" && paint != nil {
				page.WriteString(paint(class, part.String()))
			} else {
				page.WriteString(part.String())
			}
			from = to
		}
		page.WriteByte('\n')
	}
	return page.String()
}

func (c *cell) shown(ascii bool) rune {
	switch {
	case c.char != 0:
		return c.char
	case !ascii:
		return []rune(" ╵╷│╴┘┐┤╶└┌├─┴┬┼")[c.ways]
	case c.ways == 0:
		return ' '
	case c.ways == up|down:
		return '|'
	case c.ways == left|right:
		return '-'
	}
	return '+'
}
