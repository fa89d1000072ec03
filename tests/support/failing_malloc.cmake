# certswap_fail_allocations(target): links support/failing_malloc.c in, in front of the C library's allocator.
function(certswap_fail_allocations target)
  target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/failing_malloc.c)
  foreach(name malloc calloc realloc reallocarray strdup strndup asprintf vasprintf __asprintf_chk __vasprintf_chk)
    target_link_options(${target} PRIVATE -Wl,--wrap=${name})
  endforeach()
endfunction()
