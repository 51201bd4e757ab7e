#include "clocks.h"

#include "io/loop.h"

int64_t wall_ms, ahead_ms;
const char *boot_id = "this boot";

struct mus_time __wrap_mus_loop_now(const struct mus_loop *loop);
int64_t __wrap_mus_loop_boot_ms(const struct mus_loop *loop);
const char *__wrap_mus_loop_boot_id(const struct mus_loop *loop);

struct mus_time
__wrap_mus_loop_now(const struct mus_loop *loop)
{
	(void)loop;
	return (struct mus_time){wall_ms};
}

int64_t
__wrap_mus_loop_boot_ms(const struct mus_loop *loop)
{
	(void)loop;
	return wall_ms - ahead_ms;
}

const char *
__wrap_mus_loop_boot_id(const struct mus_loop *loop)
{
	(void)loop;
	return boot_id;
}
