// Package sortorder stands in for the package of that name that kubectl imports, whose host no longer exists: it orders
// names as people do, "pod-9" before "pod-10".
package sortorder

import "strings"

// NaturalLess says whether one name comes before another. They are compared piece by piece: a piece is a whole number,
// or one byte of anything else.
func NaturalLess(name, other string) bool {
	for name != "" && other != "" {
		var piece, otherPiece string
		piece, name = cut(name)
		otherPiece, other = cut(other)
		if order := compare(piece, otherPiece); order != 0 {
			return order < 0
		}
	}
	return name == "" && other != ""
}

// cut takes the first piece off a name; of a number without its leading zeros.
func cut(name string) (piece, rest string) {
	if !digit(name[0]) {
		return name[:1], name[1:]
	}
	end := 1
	for end < len(name) && digit(name[end]) {
		end++
	}
	piece, rest = name[:end], name[end:]
	for len(piece) > 1 && piece[0] == '0' {
		piece = piece[1:]
	}
	return piece, rest
}

// compare tells the order of two pieces: of two numbers the shorter is the smaller, all else goes by its bytes.
func compare(piece, other string) int {
	if digit(piece[0]) && digit(other[0]) && len(piece) != len(other) {
		return len(piece) - len(other)
	}
	return strings.Compare(piece, other)
}

func digit(letter byte) bool { return '0' <= letter && letter <= '9' }
