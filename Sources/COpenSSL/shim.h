#pragma once
// libcrypto of OpenSSL 3: its EVP interface alone, with providers that are loaded into a context of our own.
#include <openssl/evp.h>
#include <openssl/provider.h>
