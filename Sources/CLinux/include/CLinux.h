#pragma once
// What Swift's Glibc module does not show, one header an area.
//
// Swift imports glibc's headers without _GNU_SOURCE, and they are part of a module that is already built
// when ours is read: defining it here would change nothing. So the headers of this shim declare calls of
// our own in plain types, and the .c files behind them see all of glibc.
//
// Every call that can fail returns a negated errno.
#include "loop.h"
#include "memory.h"
#include "names.h"
#include "netns.h"
#include "privileges.h"
#include "qr.h"
#include "resolved.h"
#include "service.h"
#include "socket.h"
#include "tun.h"
