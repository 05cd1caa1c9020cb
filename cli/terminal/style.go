package terminal

// Style is how text looks on a terminal with colours.
type Style string

// The styles, as the parameters of the sequence that selects them. They are of the 16
// colours that every theme defines, so they are readable on dark and on light.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Blue   Style = "34"
)

// Paint returns the text in a style, or as it is where there are no colours.
func (t *Terminal) Paint(style Style, text string) string {
	if !t.Colour || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// State is a word for where something stands. On a terminal its symbol stands before
// it, in the colour of its class: the state in lower-case letters.
func (t *Terminal) State(class, symbol, word string) string {
	if !t.Out {
		return word
	}
	return t.Paint(StyleOf(class), symbol+" "+word)
}

// StyleOf is the colour of a state, by its class.
func StyleOf(class string) Style {
	switch class {
	case "succeeded":
		return Green
	case "failed":
		return Red
	case "running", "ready", "starting", "stopping":
		return Blue
	case "asking", "tolerated":
		return Yellow
	case "skipped", "cancelled", "stopped":
		return Dim
	default:
		return Plain
	}
}
