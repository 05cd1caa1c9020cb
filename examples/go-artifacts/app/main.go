// Command greeting greets whom it is told to.
package main

import "os"

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if _, err := os.Stdout.WriteString(Greeting(name) + "\n"); err != nil {
		os.Exit(1)
	}
}

// Greeting for a name, or for everybody if it is blank.
func Greeting(name string) string {
	if name == "" {
		name = "world"
	}
	return "Hello, " + name + "!"
}
