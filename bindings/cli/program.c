#include "commands.h"

#include "../heap.h"

int main(int argc, char **argv)
{
    heap_keep();
    return command_main(argc, argv);
}
