/* Nothing of it is used here, only included. */
#pragma once

#include <criterion/criterion.h>
