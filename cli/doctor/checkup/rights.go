package checkup

import (
	"fmt"
	"strings"
)

func myRights(f *Facts) []Line {
	return rights("your rights", "you", f.Mine, "whoever administers the namespace can give them")
}

func controllerRights(f *Facts) []Line {
	const about = "controller's rights"
	byWho := map[string][]Right{}
	var order []string
	for _, right := range f.Controllers {
		if byWho[right.Who] == nil {
			order = append(order, right.Who)
		}
		byWho[right.Who] = append(byWho[right.Who], right)
	}
	var lines []Line
	for _, who := range order {
		lines = append(lines, rights(about, who, byWho[who], "see that the chart has made its roles (rbac.create), and that watchNamespaces has the namespace")...)
	}
	return lines
}

// rights says in one line what somebody may do, and in one what not.
func rights(about, who string, all []Right, help string) []Line {
	var may, not, takes []string
	level := Note
	for _, right := range all {
		switch {
		case right.Allowed.Err != nil:
			return []Line{unread(about, "what "+who+" may do", right.Allowed.Err)}
		case right.Allowed.Value:
			may = append(may, right.To)
		default:
			not, takes = append(not, right.To), append(takes, right.Takes)
			if right.Needed {
				level = Wrong
			}
		}
	}
	var lines []Line
	if len(may) > 0 {
		lines = append(lines, Line{Good, about, fmt.Sprintf("%s may %s", who, strings.Join(may, ", ")), ""})
	}
	if len(not) > 0 {
		lines = append(lines, Line{level, about, fmt.Sprintf("%s may not %s", who, strings.Join(not, ", ")), fmt.Sprintf("that takes %s: %s", strings.Join(takes, ", "), help)})
	}
	return lines
}
