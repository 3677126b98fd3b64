! A fitted model in Fortran: for who has a code in Fortran, and a density that was learnt elsewhere.
!     cc -O2 -fopenmp -I. -c examples/gallery/fortran/sgm_fortran.c
!     gfortran -fopenmp examples/gallery/fortran/density.f90 sgm_fortran.o -o density
!     ./density model.safetensors
module sgm
   use, intrinsic :: iso_c_binding
   implicit none
   type, bind(c) :: sgm_key
      integer(c_int32_t) :: k(2)
   end type
   interface
      function sgm_open(path) bind(c, name='sgm_fortran_open') result(fitted)
         import :: c_ptr, c_char
         character(kind=c_char), intent(in) :: path(*)
         type(c_ptr) :: fitted
      end function
      subroutine sgm_close(fitted) bind(c, name='sgm_fortran_close')
         import :: c_ptr
         type(c_ptr), value :: fitted
      end subroutine
      integer(c_int) function sgm_columns(fitted) bind(c, name='sgm_fortran_columns')
         import :: c_ptr, c_int
         type(c_ptr), value :: fitted
      end function
      type(sgm_key) function sgm_key_init(seed) bind(c)
         import :: c_int64_t, sgm_key
         integer(c_int64_t), value :: seed
      end function
      integer(c_int) function sgm_fitted_sample(fitted, x, n, key) bind(c)
         import :: c_ptr, c_int, c_long, c_double, sgm_key
         type(c_ptr), value :: fitted
         real(c_double), intent(out) :: x(*)
         integer(c_long), value :: n
         type(sgm_key), value :: key
      end function
      integer(c_int) function sgm_fitted_logp(fitted, logp, se, x, n, key) bind(c)
         import :: c_ptr, c_int, c_long, c_double, sgm_key
         type(c_ptr), value :: fitted
         real(c_double), intent(out) :: logp(*), se(*)
         real(c_double), intent(in) :: x(*)
         integer(c_long), value :: n
         type(sgm_key), value :: key
      end function
   end interface
end module
program density
   use sgm
   integer(c_long), parameter :: n = 2000
   real(c_double), allocatable :: x(:, :), logp(:), se(:) ! a row of C's is a column of Fortran's
   type(c_ptr) :: model
   character(len=500) :: path
   call get_command_argument(1, path)
   model = sgm_open(trim(path)//c_null_char)
   if (.not. c_associated(model)) stop 'no such model'
   allocate (x(sgm_columns(model), n), logp(n), se(n))
   if (sgm_fitted_sample(model, x, n, sgm_key_init(3_c_int64_t)) /= 0) stop 'no samples'
   if (sgm_fitted_logp(model, logp, se, x, n, sgm_key_init(4_c_int64_t)) /= 0) stop 'no log p'
   print '(a, 3f10.6)', 'a row and its log density', x(1:2, 1), logp(1)
   call sgm_close(model)
end program
