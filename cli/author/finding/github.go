package finding

import (
	"fmt"
	"io"
	"strings"
)

// GitHub writes the workflow commands by which GitHub's runner shows the findings
// beside the lines.
func GitHub(out io.Writer, findings []Finding) error {
	// What isn't escaped would end the command, or begin another one.
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var text strings.Builder
	for _, f := range findings {
		text.WriteString("::error")
		if f.File != "" {
			text.WriteString(" file=" + property.Replace(f.File))
		}
		if f.File != "" && f.Line > 0 {
			fmt.Fprintf(&text, ",line=%d", f.Line)
		}
		text.WriteString("::" + data.Replace(readable(f.what())) + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}
