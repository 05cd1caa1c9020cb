//go:build !linux

// Package machine changes the machine that a cluster runs on. A cluster needs
// Linux; here is what lets the program say so.
package machine

import (
	"context"
	"errors"
)

// AddBridge fails.
func AddBridge(string, string) error { return errors.ErrUnsupported }

// DeleteBridge fails.
func DeleteBridge(string) error { return errors.ErrUnsupported }

// OverlappingInterface fails.
func OverlappingInterface(string, string) (string, error) { return "", errors.ErrUnsupported }

// Route fails.
func Route(context.Context) error { return errors.ErrUnsupported }

// LoadTables fails.
func LoadTables(context.Context, string) error { return errors.ErrUnsupported }

// DeleteTables fails.
func DeleteTables(context.Context, ...[2]string) error { return errors.ErrUnsupported }

// AddCgroup fails.
func AddCgroup(string) error { return errors.ErrUnsupported }

// CgroupProcesses fails.
func CgroupProcesses(string) ([]int, error) { return nil, errors.ErrUnsupported }

// RemoveCgroup fails.
func RemoveCgroup(string) error { return errors.ErrUnsupported }

// Unmount fails.
func Unmount(string) error { return errors.ErrUnsupported }
