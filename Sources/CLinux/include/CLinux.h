#pragma once
// What Swift's Glibc module does not show, one header an area.
#include "socket.h"
#include "tun.h"
