/* greeter: the smallest server there can be, for measuring what is in front of it: a line, then
 * every line answered until LOGOUT. */
#include <string.h>
#include <unistd.h>

int
main(void)
{
	static char const hello[] = "* OK ready\r\n", bye[] = "* BYE\r\na OK bye\r\n";
	char buf[1000];
	ssize_t n;
	if (write(1, hello, sizeof hello - 1) < 0)
		return 111;
	while ((n = read(0, buf, sizeof buf - 1)) > 0) {
		buf[n] = 0;
		if (strstr(buf, "LOGOUT"))
			return write(1, bye, sizeof bye - 1) < 0 ? 111 : 0;
		if (write(1, hello, sizeof hello - 1) < 0)
			return 111;
	}
	return 0;
}
