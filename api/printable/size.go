package printable

import "fmt"

// Size writes a number of bytes in the largest unit that there is one of, as 1.5 MiB.
func Size(bytes int64) string {
	if bytes < 1<<10 {
		return fmt.Sprintf("%d B", bytes)
	}
	const units = "KMGT"
	amount, unit := float64(bytes)/(1<<10), 0
	for ; unit < len(units)-1 && amount >= 1<<10; unit++ {
		amount /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", amount, units[unit])
}
