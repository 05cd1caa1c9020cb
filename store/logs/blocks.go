package logs

import "sync"

// blockSize is how much memory a part takes at once, in bytes.
const blockSize = 32 << 10

// block is a piece of memory.
type block [blockSize]byte

// blocks hold bytes that grow, in memory that is used again. What isn't full is bounded
// by one block, and nothing is copied to grow.
type blocks struct {
	pool *sync.Pool
	all  []*block
	size int
}

// Write adds bytes. It doesn't fail.
func (b *blocks) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 {
		at := b.size % blockSize
		if at == 0 {
			b.all = append(b.all, b.next())
		}
		copied := copy(b.all[len(b.all)-1][at:], data)
		b.size += copied
		data = data[copied:]
	}
	return n, nil
}

func (b *blocks) next() *block {
	if used, is := b.pool.Get().(*block); is {
		return used
	}
	return new(block)
}

// appendTo returns the bytes behind others.
func (b *blocks) appendTo(to []byte) []byte {
	left := b.size
	for _, block := range b.all {
		to = append(to, block[:min(left, blockSize)]...)
		left -= blockSize
	}
	return to
}

// reset gives the memory back.
func (b *blocks) reset() {
	for i, block := range b.all {
		b.pool.Put(block)
		b.all[i] = nil
	}
	b.all, b.size = b.all[:0], 0
}
