package render

import "strings"

// GitImage is the image with git that stands beside an image of KayCI: its tag ends in
// -git. Blank: the image's name ends in a digest, which tells nothing of another.
func GitImage(image string) string {
	switch {
	case strings.Contains(image, "@"):
		return ""
	case strings.LastIndexByte(image, ':') > strings.LastIndexByte(image, '/'):
		return image + "-git"
	default:
		return image + ":git"
	}
}
